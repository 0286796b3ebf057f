-- What a group was called when someone went: that is what they see of it from then on. NULL is
-- what it is called now, which is for members.
ALTER TABLE members ADD COLUMN title TEXT;
UPDATE members SET title = (SELECT g.title FROM groups g WHERE g.conv = members.conv)
WHERE until_seq IS NOT NULL;
